// Two decoders that come without types: what of them is used here.
declare module 'lz4js' {
  const lz4: {
    /** Returns how many bytes were written. */
    decompressBlock(src: Uint8Array, dst: Uint8Array, sIndex: number, sLength: number, dIndex: number): number;
  };
  export = lz4;
}

declare module 'snappyjs' {
  const snappy: { uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array };
  export = snappy;
}
