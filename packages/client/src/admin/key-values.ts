import { Requests, ResponseCode } from '@rocketnest/protocol';
import type { BrokersOf } from './brokers-of.js';
import { changeAll } from './gathered.js';

/* Key-value configuration of the name servers. Each has its own: changes go to all, reads to any. Java: MQClientAPIImpl.putKVConfigValue. */

/** Undefined when there is none. */
export async function getKeyValue(brokers: BrokersOf, namespace: string, key: string): Promise<string | undefined> {
  const { code, fields } = await brokers.instance.api.callNameServer(
    Requests.getKvConfig,
    { namespace, key },
    { accept: [ResponseCode.SUCCESS, ResponseCode.QUERY_NOT_FOUND] },
  );
  return code === ResponseCode.SUCCESS ? fields.value : undefined;
}

export async function putKeyValue(brokers: BrokersOf, namespace: string, key: string, value: string): Promise<void> {
  await changeAll(await brokers.nameServers(), `Key ${key} of namespace ${namespace} is set`, ({ address }) =>
    brokers.instance.api.call(address, Requests.putKvConfig, { namespace, key, value }),
  );
}

export async function deleteKeyValue(brokers: BrokersOf, namespace: string, key: string): Promise<void> {
  await changeAll(await brokers.nameServers(), `Key ${key} of namespace ${namespace} is deleted`, ({ address }) =>
    brokers.instance.api.call(address, Requests.deleteKvConfig, { namespace, key }),
  );
}
