/*
 * The numbers of QEMU's migration stream. Source: docs/wire-format.md.
 */

/** "QEVM". */
export const MAGIC = 0x5145564d;
export const VERSION = 3;

export const EOF = 0x00;
export const START = 0x01;
export const PART = 0x02;
export const END = 0x03;
export const FULL = 0x04;
export const SUBSECTION = 0x05;
export const VM_DESCRIPTION = 0x06;
export const CONFIGURATION = 0x07;
export const COMMAND = 0x08;
/** No section type, so that it can be told from the begin of the next section where footers are left out. */
export const FOOTER = 0x7e;

export const OPEN_RETURN_PATH = 1;
export const PING = 2;

/** The longest name of a machine that is taken, in bytes: the wire could say 4 GiB. */
export const MAX_MACHINE_BYTES = 256;
