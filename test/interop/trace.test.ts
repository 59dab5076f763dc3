import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Admin } from '@rocketnest/client';
import { unique, waitFor } from '@rocketnest/testing';
import { Jvm } from '../support/jvm.js';
import { clientPairs } from '../support/pairs.js';
import { Servers, targets } from '../support/servers.js';

const { pairs, close } = clientPairs();
/** Java alone does not concern us. */
const mixed = pairs.filter(({ from, to }) => from === 'Node' || to === 'Node');
const PATIENCE_MS = 60_000;
const MQADMIN = 'org.apache.rocketmq.tools.command.MQAdminStartup';

afterAll(close);

/** What mqadmin prints, with single spaces. */
async function mqadmin(args: readonly string[]): Promise<string[]> {
  await using jvm = await Jvm.start('mqadmin', [MQADMIN, ...args]);
  await jvm.child.waitForExit(PATIENCE_MS);
  return jvm.child.lines.map((line) => line.trim().replaceAll(/ +/g, ' '));
}

describe.each(targets)('on the servers of %s', (target) => {
  let servers: Servers;
  let admin: Admin;

  beforeAll(async () => {
    servers = await Servers.start(target, {
      broker: { traceTopicEnable: true, messageDelayLevel: '1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s' },
    });
    admin = new Admin({ namesrvAddr: servers.namesrvAddr, requestTimeoutMs: 30_000 });
    await admin.start();
  });

  afterAll(async () => {
    await admin?.close();
    await servers?.[Symbol.asyncDispose]();
  });

  it.each(mixed)(
    'a message from $from to $to leaves the trace that mqadmin and our admin read',
    async ({ producer, consumer }) => {
      const { namesrvAddr } = servers;
      const topic = unique('T-trace');
      const [sender, receiver] = [unique('P'), unique('G')];
      const message = { topic, body: Buffer.from('hello'), tags: 'TagA', keys: 'order-1 order-2' };
      const [sent] = await producer.send('sync', { namesrvAddr, group: sender, trace: true }, [message]);
      {
        // Ends before the trace is looked at: both clients deliver their last records then.
        await using consuming = await consumer.consume({
          namesrvAddr,
          group: receiver,
          topic,
          failures: 1,
          trace: true,
        });
        await waitFor(() => consuming.received.length === 2, { timeoutMs: PATIENCE_MS, what: 'the message, twice' });
      }

      const view = await waitFor(
        async () => {
          const found = await admin.traces.byMessageId(sent!.msgId);
          const complete = found.sends.length > 0 && found.consumptions[0]?.deliveries.at(-1)?.success === true;
          return complete ? found : undefined;
        },
        { timeoutMs: PATIENCE_MS, what: 'the trace' },
      );
      expect(view.unreadable).toBe(0);
      expect(view.sends).toMatchObject([
        {
          ...{ group: sender, topic, tags: 'TagA', keys: 'order-1 order-2', success: true, messageType: 'Normal' },
          ...{ bodyLength: 5, offsetMsgId: sent!.offsetMsgId, regionId: 'DefaultRegion' },
        },
      ]);
      expect(view.consumptions).toMatchObject([
        {
          group: receiver,
          deliveries: [
            { success: false, returnType: 'FAILED', retryTimes: 0 },
            { success: true, returnType: 'SUCCESS', retryTimes: 1 },
          ],
        },
      ]);
      expect((await admin.traces.byKey('order-2', { begin: view.sends[0]!.timestamp })).traces).toContainEqual(view);

      const printed = await mqadmin(['queryMsgTraceById', '-n', namesrvAddr, '-i', sent!.msgId]);
      expect(printed).toContainEqual(expect.stringMatching(new RegExp(`^Pub ${sender} .*success$`)));
      const consumed = printed.filter((line) => line.startsWith(`Sub ${receiver} `));
      expect(consumed.map((line) => line.split(' ').at(-1)).sort()).toEqual(['failed', 'success']);
    },
  );
});
