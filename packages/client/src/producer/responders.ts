import { parseGroupList, Requests } from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';

/** A consumer group that knows a topic. */
export interface Responder {
  readonly group: string;
  /** Members running now. */
  readonly members: number;
}

/** More groups than this are not asked for their members. */
const MAX_GROUPS = 10;

/** The groups that could answer requests to a topic, asked of one of its brokers; undefined when that fails. */
export async function findResponders(
  instance: ClientInstance,
  topic: string,
  timeoutMs: number,
): Promise<readonly Responder[] | undefined> {
  const address = instance.routes.anyBrokerOf(topic);
  if (address === undefined) return undefined;
  try {
    const { body } = await instance.api.call(address, Requests.queryTopicConsumeByWho, { topic }, { timeoutMs });
    const groups = parseGroupList(body).groupList.slice(0, MAX_GROUPS);
    return await Promise.all(
      groups.map(async (group) => ({ group, members: (await instance.api.consumerIdList(address, group)).length })),
    );
  } catch {
    return undefined;
  }
}

/** What the absence of a reply most likely means, and the next step. */
export function explainSilence(responders: readonly Responder[] | undefined): string {
  if (responders === undefined)
    return 'Whether anybody subscribes could not be found out. Check that the replier runs.';
  if (responders.length === 0)
    return 'No consumer group subscribes to the topic: start the replier, and check its topic.';
  const running = responders.filter(({ members }) => members > 0);
  if (running.length === 0) {
    const names = responders.map(({ group }) => group).join(', ');
    return `Consumer group ${names} knows the topic, but no member of it is running: start the replier.`;
  }
  const names = running.map(({ group, members }) => `${group} (${members} running)`).join(', ');
  return `Consumer group ${names} subscribes: its handler needs longer, failed, or sends no reply. Check its log, or raise timeoutMs.`;
}
