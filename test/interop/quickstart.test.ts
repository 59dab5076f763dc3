import { describe, expect, it } from '@jest/globals';
import { waitFor } from '@rocketnest/testing';
import { Jvm } from '../support/jvm.js';
import { Servers, targets } from '../support/servers.js';

const PACKAGE = 'org.apache.rocketmq.example.quickstart';
const MESSAGE_COUNT = 1_000; // Producer.MESSAGE_COUNT

describe.each(targets)('on the servers of %s', (target) => {
  it("Apache's own quick start sends and receives its 1000 messages", async () => {
    await using servers = await Servers.start(target);
    const env = { NAMESRV_ADDR: servers.namesrvAddr };

    await using producer = await Jvm.start('quickstart Producer', [`${PACKAGE}.Producer`], env);
    expect(await producer.child.waitForExit(180_000)).toBe('code 0');
    const results = producer.child.lines.filter((line) => line.includes('sendStatus=SEND_OK'));
    expect(results).toHaveLength(MESSAGE_COUNT);

    await using consumer = await Jvm.start('quickstart Consumer', [`${PACKAGE}.Consumer`], env);
    const bodies: string[] = [];
    consumer.child.onLine((line) => {
      const body = /Receive New Messages: .*body=\[([-\d, ]+)\]/.exec(line)?.[1];
      if (body !== undefined) bodies.push(Buffer.from(body.split(', ').map(Number)).toString());
    });
    await waitFor(() => bodies.length >= MESSAGE_COUNT, {
      timeoutMs: 120_000,
      what: `${MESSAGE_COUNT} received messages`,
    });
    expect(new Set(bodies)).toEqual(new Set(Array.from({ length: MESSAGE_COUNT }, (_, i) => `Hello RocketMQ ${i}`)));
    await consumer.child.stop(20_000);
  });
});
