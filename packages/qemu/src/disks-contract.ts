/** A disk that a machine has. */
export interface QemuDisk {
  /** All that it may be called by: device id, drive id, node name (none that QEMU made up, unless there is no other). The first is for people. */
  readonly ids: readonly string[];
  /** QEMU's object of the device that has it, such as `/machine/peripheral/vda/virtio-backend`. */
  readonly qdev: string | undefined;
  /** The root of what the guest sees: filters and the top layer of a backing chain included. Undefined for an empty drive. */
  readonly node: string | undefined;
  /** Bytes that the guest sees; 0 for an empty drive. */
  readonly size: number;
  /** Of the root: `raw`, `qcow2` …; "" for an empty drive. */
  readonly format: string;
  /** Layers below the top one. */
  readonly backingDepth: number;
  /** Where its top layer is stored, in QEMU's words, and how large that is; undefined for an empty drive. A relative path is QEMU's. */
  readonly storage: { readonly filename: string; readonly driver: string; readonly bytes: number } | undefined;
  /** Why it is not moved. `left-out`: nothing of it can change or be lost (an empty drive, one that is read-only); else it is refused. */
  readonly unfit: { readonly how: "left-out" | "refused"; readonly why: string } | undefined;
}

/** A disk and the name it has on the wire. */
export interface ChosenQemuDisk {
  readonly name: string;
  readonly disk: QemuDisk;
}
