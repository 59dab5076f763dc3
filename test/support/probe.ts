import { createConnection, type Socket } from 'node:net';

const GET_BROKER_CLUSTER_INFO = 106;

/**
 * Whether a name server lists a broker: the moment from which clients find it. Speaks the wire by hand, so that what
 * decides that the servers are up is neither of the clients under test.
 */
export async function isRegistered(namesrvAddr: string, brokerAddr: string, timeoutMs = 2_000): Promise<boolean> {
  const answer = await exchange(
    namesrvAddr,
    { code: GET_BROKER_CLUSTER_INFO, language: 'OTHER', version: 0 },
    timeoutMs,
  );
  return answer?.includes(`"${brokerAddr}"`) ?? false;
}

/** Whether something accepts connections at `host:port`. */
export function accepts(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function connect(address: string): Socket {
  const colon = address.lastIndexOf(':');
  return createConnection({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
}

/** One request frame with a JSON header (total length, header length, header), one response frame; null if none came. */
function exchange(address: string, header: object, timeoutMs: number): Promise<Buffer | null> {
  const json = Buffer.from(JSON.stringify({ ...header, opaque: 1, flag: 0 }));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + json.length, 0);
  lengths.writeInt32BE(json.length, 4); // high byte 0: JSON
  return new Promise((resolve) => {
    const socket = connect(address);
    let received = Buffer.alloc(0);
    const finish = (result: Buffer | null) => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => finish(null));
    socket.on('error', () => finish(null));
    socket.on('close', () => finish(null));
    socket.on('connect', () => socket.write(Buffer.concat([lengths, json])));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) finish(received);
    });
  });
}
