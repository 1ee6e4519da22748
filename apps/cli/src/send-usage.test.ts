import { openSync } from "node:fs";

import { expect, it } from "vitest";

import { makeDisk, MIB } from "./make-disks.test-kit.ts";
import { refusal, refused, runBlkmig, temporaryFolder } from "./run-blkmig.test-kit.ts";

const AT = "tcp://127.0.0.1:0";
const DISK = ["--disk", "a=x"];
const QMP = ["send", AT, "--qmp", "unix:///x"];
const SSH = ["send", "ssh://a", ...DISK];

it.each([
  [["send"], /missing required argument 'to'/],
  [["send", AT], /at least one --disk/],
  [["send", AT, "--disk", "a"], /'a' is not NAME=PATH/],
  [["send", AT, "--disk", "a=nbd:h/x"], /--disk a: 'nbd:h\/x': it should be \/\/host:port\/export/],
  [["send", "tcp://a", ...DISK], /the port is missing/],
  [["send", "http://a", ...DISK], /'http' is no kind of wire/],
  [["send", AT, ...DISK, "--machine", "pc"], /--machine is for --wire qemu alone/],
  [["send", AT, ...DISK, "--wire", "3"], /'3' is no wire/],
  [["send", AT, ...DISK, "--max-bandwidth", "1X"], /--max-bandwidth: '1X' is no number of bytes/],
  [["send", AT, ...DISK, "--downtime-limit", "5"], /--downtime-limit: '5' is no time/],
  [["send", AT, ...DISK, "--force", "luck"], /'luck' is no danger/],
  [["send", AT, ...DISK, "--frobnicate"], /unknown option '--frobnicate'/],
  [["send", AT, ...DISK, "--after", "close"], /--after is for live disks: it goes with --from/],
  [["send", AT, ...DISK, "--forward-to", "nbd://h"], /--forward-to is for live disks/],
  [["send", AT, ...DISK, "--throttle"], /--throttle is for live disks/],
  [["send", AT, ...DISK, "--mirror"], /--mirror is for live disks/],
  [["send", AT, "--from", "x", ...DISK], /with --from a disk has a NAME alone/],
  [["send", AT, "--from", "x", "--disk", "a", "--disk", "a"], /'a' is said twice/],
  [["send", AT, "--from", "tcp://a:1"], /--from: 'tcp:\/\/a:1' is no socket of this machine/],
  [["send", AT, "--from", "x", "--after", "cont"], /'cont' is none of forward, close and hold/],
  [["send", AT, "--from", "x", "--after", "hold", "--forward-to", "nbd://h"], /after hold nobody is passed on/],
  [["send", AT, "--from", "x", "--forward-to", "nbd+unix:///a?socket=/b"], /no export is said/],
  [["send", AT, "--from", "x", "--wire", "1.1"], /--wire 1.1 does not go with --from/],
  [["send", AT, "--from", "x", "--incremental"], /--incremental does not go with --from/],
  [["send", AT, "--from", "x", "--allow-origin", "https://a.example"], /--allow-origin does not go with --from/],
  [["send", AT, "--from", "x", "--clone"], /--clone does not go with --from/],
  [["send", AT, "--from", "x", "--force", "moved"], /--force does not go with --from/],
  [["send", AT, "--from", "x", "--granularity", "64K"], /--granularity does not go with --from/],
  [["send", AT, "--from", "x", "--no-zero-blocks"], /--no-zero-blocks does not go with --from/],
  [["send", AT, "--from", "x", "--machine", "pc"], /--machine does not go with --from/],
  [["send", AT, "--from", "x", "--state-dir", "y"], /--state-dir does not go with --from/],
  [["send", "-", "--from", "x"], /the disks are another process's/],
  [["send", "file:///x", "--from", "x"], /a file cannot answer/],
  [["send", "ssh://a", "--from", "x", "--disk", "a"], /ssh: needs --remote-disk a=TARGET/],
  [["send", AT, "--from", "x", "--nbd-socket", "/y"], /--nbd-socket goes with --qmp URL/],
  [["send", AT, ...DISK, "--nbd-socket", "/y"], /--nbd-socket goes with --qmp URL/],
  [["send", AT, "--qmp", "x"], /qmp 'x': a monitor listens at unix:\/\/\/path or tcp:/],
  [["send", AT, "--qmp", "ws://127.0.0.1/x"], /--qmp .*: a monitor listens at unix:\/\/\/path or tcp:/],
  [[...QMP, "--disk", "=x"], /--disk: '=x' is not ID or ID=NAME/],
  [[...QMP, "--disk", "a="], /--disk a=: a name has 1 to 255 bytes of UTF-8, this one 0/],
  [[...QMP, "--disk", "a", "--disk", "a=b"], /--disk: 'a' is said twice/],
  [[...QMP, "--disk", "a=x", "--disk", "b=x"], /two disks are called 'x'/],
  [[...QMP, "--after", "forward"], /--after: 'forward' is none of hold and cont/],
  [[...QMP, "--after", "close"], /--after: 'close' is none of hold and cont/],
  [[...QMP, "--from", "y"], /--from does not go with --qmp/],
  [[...QMP, "--wire", "1.1"], /--wire 1.1 does not go with --qmp/],
  [[...QMP, "--wire", "qemu"], /--wire qemu does not go with --qmp/],
  [[...QMP, "--clone"], /--clone does not go with --qmp: say --after cont/],
  [[...QMP, "--throttle"], /--throttle does not go with --qmp/],
  [[...QMP, "--mirror"], /--mirror does not go with --qmp/],
  [[...QMP, "--forward-to", "nbd://h"], /--forward-to does not go with --qmp/],
  [[...QMP, "--no-zero-blocks"], /--no-zero-blocks does not go with --qmp/],
  [[...QMP, "--machine", "pc"], /--machine does not go with --qmp/],
  [[...QMP, "--force", "mounted"], /'mounted' is no danger of `blkmig send --qmp`; they are incomplete and moved/],
  [[...QMP, "--nbd-socket", "x"], /--nbd-socket: 'x' is no absolute path/],
  [[...QMP, "--nbd-socket", `/${"x".repeat(107)}`], /a socket's path has at most 107 bytes/],
  [["send", AT, ...DISK, "--migrate-to", "tcp:h:1"], /--migrate-to goes with --qmp URL/],
  [["send", AT, "--from", "x", "--to-qmp", "unix:///y"], /--to-qmp goes with --qmp URL/],
  [[...QMP, "--migrate-to", "unix:/x"], /--migrate-to goes with --to-qmp URL/],
  [[...QMP, "--to-qmp", "unix:///y"], /--to-qmp goes with --migrate-to URI/],
  [
    [...QMP, "--migrate-to", "unix:/x", "--to-qmp", "unix:///y", "--after", "hold"],
    /--after does not go with --migrate-to/,
  ],
  [
    [...QMP, "--migrate-to", "exec:cat", "--to-qmp", "unix:///y"],
    /--migrate-to 'exec:cat': QEMU must be able to answer/,
  ],
  [[...QMP, "--migrate-to", "unix:/x", "--to-qmp", "y"], /qmp 'y': a monitor listens at unix:\/\/\/path or tcp:/],
  [[...QMP, "--remote-disk", "a=y"], /--remote-disk is for ssh: alone/],
  [["send", "file:///x", "--qmp", "unix:///x"], /--wire 2: a file cannot answer/],
  [["send", "file:///x", ...DISK, "--listen"], /nobody can dial/],
  [["send", "ssh://a", ...DISK, "--listen"], /nobody can dial/],
  [["send", "file:///x", ...DISK, "--wire", "2"], /--wire 2: a file cannot answer/],
  [["send", AT, ...DISK, "--reconnect-for", "5"], /--reconnect-for: '5' is no time/],
  [["send", AT, ...DISK, "--granularity", "2K"], /--granularity: '2K' is no power of two from 4K to 1M/],
  [["send", AT, ...DISK, "--granularity", "12K"], /is no power of two/],
  [["send", AT, ...DISK, "--granularity", "2M"], /is no power of two/],
  [["send", AT, ...DISK, "--no-zero-blocks"], /--no-zero-blocks is for the older wires/],
  [["send", AT, ...DISK, "--wire", "1.1", "--resume"], /--resume is for --wire 2 alone; here 1.1 is spoken/],
  [["send", AT, ...DISK, "--wire", "1.0", "--clone"], /--clone is for --wire 2 alone/],
  [["send", AT, ...DISK, "--wire", "qemu", "--verify"], /--verify is for --wire 2 alone/],
  [["send", "file:///x", ...DISK, "--no-verify"], /--no-verify is for --wire 2 alone/],
  [["send", AT, ...DISK, "--wire", "1.1", "--no-checksum"], /--no-checksum is for --wire 2 alone; here 1.1 is spoken/],
  [["send", AT, ...DISK, "--wire", "qemu", "--no-checksum"], /--no-checksum is for --wire 2 alone/],
  [["send", "file:///x", ...DISK, "--no-checksum"], /--no-checksum is for --wire 2 alone/],
  [["send", AT, ...DISK, "--wire", "1.1", "--reconnect-for", "1m"], /--reconnect-for is for --wire 2 alone/],
  [["send", AT, ...DISK, "--wire", "1.1", "--granularity", "64K"], /--granularity is for --wire 2 alone/],
  [["send", "tls://a:1", ...DISK], /tls: needs --token-file/],
  [["send", "wss://a/", ...DISK], /wss: needs --token-file/],
  [["send", AT, ...DISK, "--token-file", "x"], /--token-file: tcp: is in clear text/],
  [["send", AT, ...DISK, "--tls-ca", "x"], /are needed all together/],
  [SSH, /ssh: needs --remote-disk a=TARGET/],
  [[...SSH, "--remote-disk", "b=y"], /no --disk is called 'b'/],
  [[...SSH, "--remote-disk", "a=y", "--remote-disk", "a=z"], /two targets are called 'a'/],
  [[...SSH, "--remote-disk", "a"], /'a' is not NAME=TARGET/],
  [[...SSH, "--remote-disk", "a=y", "--ssh-command", "ssh -i 'my key"], /--ssh-command: a quote in .* is not closed/],
  [[...SSH, "--remote-disk", "a=y", "--ssh-command", " "], /--ssh-command: no program is named/],
  [[...SSH, "--remote-disk", "a=y", "--wire", "qemu"], /--wire qemu: what is run over ssh is a blkmig/],
  [["send", AT, ...DISK, "--remote-disk", "a=y"], /--remote-disk is for ssh: alone/],
  [["send", AT, ...DISK, "--remote-flag", "--create"], /--remote-flag is for ssh: alone/],
  [["send", AT, ...DISK, "--remote-command", "x"], /--remote-command is for ssh: alone/],
  [["send", AT, ...DISK, "--ssh-command", "x"], /--ssh-command is for ssh: alone/],
])("%j is a usage error", async (args, sentence) => {
  expect(refusal(await runBlkmig(args))).toEqual(refused(2, sentence));
});

it("a QEMU of another machine is refused, whatever is said", async () => {
  const ended = await runBlkmig(["send", AT, "--qmp", "tcp://192.0.2.1:4444", "--insecure"]);
  expect(refusal(ended)).toEqual(refused(3, /its disks are read by a socket of this machine/));
});

it.each([
  [["--migrate-to", "tcp:192.0.2.1:4444", "--to-qmp", "unix:///y"], /the guest's memory would leave this machine/],
  [["--migrate-to", "tcp::4444", "--to-qmp", "unix:///y"], /the guest's memory would leave this machine/],
  [
    ["--migrate-to", "tcp:[::1]:4444", "--to-qmp", "tcp://192.0.2.1:4445"],
    /tcp:\/\/192.0.2.1:4445 is clear text|clear text/,
  ],
] as const)("what would leave this machine in clear text is refused: %j", async (more, sentence) => {
  expect(refusal(await runBlkmig([...QMP, ...more]))).toEqual(refused(3, sentence));
});

it("a monitor that is not there is refused", async () => {
  const path = temporaryFolder();
  const ended = await runBlkmig(["send", AT, "--qmp", `unix://${path("vm.qmp")}`]);
  expect(refusal(ended)).toEqual(refused(3, /vm\.qmp: /));
});

it("a session where nobody can answer on standard input is a usage error, too", async () => {
  const ended = await runBlkmig(["send", "-", ...DISK, "--wire", "2"], { stdio: ["ignore", "pipe", "pipe"] });
  expect(refusal(ended)).toEqual(refused(2, /--wire 2: nobody can answer on standard input/));
});

it("by default that is sent by the classic stream, and said", async () => {
  const path = temporaryFolder();
  const disk = ["--disk", `a=${makeDisk(path("a"), MIB)}`];
  const sent = await runBlkmig(["send", "-", ...disk], { stdio: ["ignore", openSync(path("stream"), "w"), "pipe"] });
  expect(sent).toMatchObject({ code: 0, stderr: expect.stringMatching(/^nobody can answer .* classic stream 1\.1/) });
  const sum = await runBlkmig(["inspect", "--summary", path("stream")]);
  expect(sum).toMatchObject({ code: 0, stdout: expect.stringContaining("'a'") });
});
