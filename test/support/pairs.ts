import { java, javaWithRocketmqHeaders } from './java.js';
import { node } from './node.js';
import type { Peer } from './peer.js';

/** A producer and a consumer: each case sends with the first and receives with the second. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly producer: Peer;
  readonly consumer: Peer;
}

/** Every pair that has the official client on at least one side; `close` ends their JVMs. */
export function clientPairs(): { readonly pairs: readonly Pair[]; close(): Promise<void> } {
  const plain = java();
  const compact = javaWithRocketmqHeaders();
  const rows: readonly (readonly [Peer, Peer])[] = [
    [plain, plain],
    [compact, compact],
    [plain, node],
    [node, plain],
  ];
  return {
    pairs: rows.map(([producer, consumer]) => ({ from: producer.name, to: consumer.name, producer, consumer })),
    close: async () => {
      await Promise.all([plain.close(), compact.close()]);
    },
  };
}
