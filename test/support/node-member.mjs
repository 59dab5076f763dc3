// One member of a consumer group, as a process that can be killed: our client (as built) doing what `consume` of the Java driver
// does, with the same events on standard output. Options are JSON in the first argument; the end of the input stops it.
import { createInterface } from 'node:readline';
import { PushConsumer } from '@rocketnest/client';

const { topic, expression, orderly, ...options } = JSON.parse(process.argv[2]);
const print = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ id: 0, event, ...fields })}\n`);

const consumer = new PushConsumer({
  ...options,
  consumeFrom: 'FIRST_OFFSET',
  consumeMode: orderly ? 'ORDERLY' : 'CONCURRENTLY',
  requestTimeoutMs: 30_000,
  pollNameServerIntervalMs: 1_000,
  rebalanceIntervalMs: 1_000,
})
  .subscribe(topic, expression)
  .listen((messages) => {
    for (const { body, queueId, queueOffset, msgId } of messages) {
      print('received', { body: body.toString('base64'), queueId, queueOffset, msgId, receivedTimestamp: Date.now() });
    }
  });
await consumer.start();
print('ready');
createInterface({ input: process.stdin }).on('close', async () => {
  await consumer.close();
  print('done');
});
