import type { Syscalls } from "./syscalls.ts";
export interface DiskClaim {
  readonly device: string;
  readonly fd: number;
  readonly readOnly: boolean;
  readonly syscalls: Syscalls | undefined;
}
export async function claimDisk(_claim: DiskClaim): Promise<boolean> {
  return false;
}
