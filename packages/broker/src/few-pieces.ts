/** A piece up to this size is copied more cheaply than it is given to the socket by itself (measured). */
const COPY_BELOW_BYTES = 4 * 1024;

/** The same bytes in as few buffers as is cheap: neighbours in memory become one slice, small pieces in a row are copied together. */
export function inFewPieces(buffers: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let small: Buffer[] = [];
  const copySmall = (): void => {
    if (small.length > 0) pieces.push(small.length === 1 ? small[0]! : Buffer.concat(small));
    small = [];
  };
  for (let at = 0; at < buffers.length; ) {
    const first = buffers[at]!;
    let end = first.byteOffset;
    do end += buffers[at++]!.length;
    while (buffers[at]?.buffer === first.buffer && buffers[at]!.byteOffset === end);
    const bytes = end - first.byteOffset;
    const piece = bytes === first.length ? first : Buffer.from(first.buffer, first.byteOffset, bytes);
    if (bytes <= COPY_BELOW_BYTES) small.push(piece);
    else {
      copySmall();
      pieces.push(piece);
    }
  }
  copySmall();
  return pieces;
}
