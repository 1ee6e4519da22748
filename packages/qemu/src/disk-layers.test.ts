import { expect, it } from "vitest";

import type { ImageLayer } from "./disk-answers.ts";
import { describeLayers } from "./disk-layers.ts";

const GiB = 1024 ** 3;

const image = (format: string, filename: string, below?: ImageLayer): ImageLayer => ({
  filename,
  format,
  "virtual-size": GiB,
  "backing-image": below,
});
const node = (drv: string, file: string, bytes = GiB) => ({ drv, file, image: { "virtual-size": bytes } });

it("finds where the top layer of a chain is stored, and how large that is", () => {
  const nodes = [
    node("qcow2", "base.qcow2"),
    node("file", "base.qcow2", 11),
    node("qcow2", "top.qcow2"),
    node("file", "top.qcow2", 22),
  ];
  expect(describeLayers(image("qcow2", "top.qcow2", image("qcow2", "base.qcow2")), nodes)).toEqual({
    backingDepth: 1,
    storage: { filename: "top.qcow2", driver: "file", bytes: 22 },
  });
});

it("takes a root that is stored itself for its own storage", () => {
  expect(describeLayers(image("host_device", "/dev/vg/a"), [node("host_device", "/dev/vg/a", 33)]).storage).toEqual({
    filename: "/dev/vg/a",
    driver: "host_device",
    bytes: 33,
  });
});

it("counts no filter as a layer, and looks below it", () => {
  const description =
    'json:{"driver": "throttle", "file": {"driver": "raw", "file": {"driver": "file", "filename": "t"}}}';
  const nodes = [node("mirror_top", "t"), node("throttle", description), node("raw", "t"), node("file", "t", 44)];
  const root = image("throttle", description, image("copy-on-read", "t", image("raw", "t")));
  expect(describeLayers(root, nodes)).toEqual({
    backingDepth: 0,
    storage: { filename: "t", driver: "file", bytes: 44 },
  });
});

it("follows a description of an image to what it lies on", () => {
  const description =
    'json:{"driver": "raw", "offset": 512, "file": {"driver": "host_device", "filename": "/dev/sdb"}}';
  const nodes = [node("raw", description, 8192), node("raw", "/dev/sdb", 1), node("host_device", "/dev/sdb", 55)];
  expect(describeLayers(image("raw", description), nodes).storage).toEqual({
    filename: "/dev/sdb",
    driver: "host_device",
    bytes: 55,
  });
});

it("keeps the description where there is no plain name in it", () => {
  const remote = 'json:{"driver": "nbd", "server": {"type": "unix", "path": "/run/a"}}';
  const nodes = [node("raw", remote), node("nbd", remote, 66)];
  expect(describeLayers(image("raw", remote), nodes).storage).toEqual({ filename: remote, driver: "nbd", bytes: 66 });
});

it("takes a name that only looks like a description for a name", () => {
  for (const name of ["json:{", "json:7", 'json:{"file": 7}']) {
    expect(describeLayers(image("raw", name), [node("raw", name), node("file", name, 77)]).storage).toMatchObject({
      filename: name,
      driver: "file",
    });
  }
});

it("says what it knows where no node has that name", () => {
  expect(describeLayers(image("raw", "a.raw"), []).storage).toEqual({ filename: "a.raw", driver: "raw", bytes: GiB });
});
