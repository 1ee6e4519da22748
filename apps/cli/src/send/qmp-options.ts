import type { Command } from "commander";

export function addQmpOptions(command: Command): void {
  command
    .optionsGroup("Disks of a running QEMU:")
    .option("--qmp <url>", "move disks of a running QEMU, by its monitor: unix:///path, or tcp: on this machine")
    .option(
      "--nbd-socket <path>",
      "with --qmp: where QEMU serves its disks meanwhile, a path that it and blkmig both reach (default: beside the monitor's socket)",
    )
    .option("--migrate-to <uri>", "with --qmp: move the machine, too, to the QEMU that waits there with -incoming")
    .option("--to-qmp <url>", "with --migrate-to: the monitor there, unix:///path or tcp://host:port");
}
