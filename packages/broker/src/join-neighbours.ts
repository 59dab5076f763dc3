/** The same bytes in fewer buffers: those that are neighbours in memory, as messages of one batch are in the log, become one slice. */
export function joinNeighbours(buffers: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < buffers.length; ) {
    const first = buffers[at]!;
    let end = first.byteOffset;
    do end += buffers[at++]!.length;
    while (buffers[at]?.buffer === first.buffer && buffers[at]!.byteOffset === end);
    const bytes = end - first.byteOffset;
    pieces.push(bytes === first.length ? first : Buffer.from(first.buffer, first.byteOffset, bytes));
  }
  return pieces;
}
