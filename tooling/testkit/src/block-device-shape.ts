/** A disk as the testkit knows it: the shape of `BlockDevice`, spelt again, for the testkit imports none of our packages. */
export interface BlockDeviceShape {
  readonly name: string;
  readonly size: number;
  readonly readOnly: boolean;
  read(offset: number, into: Uint8Array): Promise<void>;
  write(offset: number, data: readonly Uint8Array[]): Promise<void>;
  zero(offset: number, length: number, options?: { readonly unmap?: boolean; readonly fast?: boolean }): Promise<void>;
  extents(offset: number, length: number): AsyncIterable<ExtentShape>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface ExtentShape {
  readonly offset: number;
  readonly length: number;
  readonly zero: boolean;
  readonly allocated: boolean;
}
