// A decoder that comes without types: what of it is used here.
declare module 'snappyjs' {
  const snappy: { uncompress(compressed: Uint8Array, maxLength?: number): Uint8Array };
  export = snappy;
}
