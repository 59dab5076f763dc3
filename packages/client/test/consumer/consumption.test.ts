import { afterEach, describe, expect, it } from '@jest/globals';
import { type Batch, Consumption } from '../../src/consumer/consumption.js';
import { ProcessQueue } from '../../src/consumer/process-queue.js';
import { pulled } from './stored-message.js';

type Work = (batch: Batch) => Promise<void> | undefined;

class TestConsumption extends Consumption {
  constructor(
    limit: number,
    protected readonly overlapping: boolean,
    private readonly work: Work,
  ) {
    super(limit);
  }

  protected next(queue: ProcessQueue): Batch | undefined {
    const messages = queue.take(1);
    return messages.length === 0 ? undefined : { queue, messages, over: false };
  }

  protected run(batch: Batch): void {
    const working = this.work(batch);
    if (working === undefined) this.finished(batch);
    else void working.then(() => this.finished(batch));
  }
}

function filled(queueId: number, count: number): ProcessQueue {
  const queue = new ProcessQueue({ topic: 'T', brokerName: 'b', queueId });
  queue.put(Array.from({ length: count }, (_, i) => pulled(i, { queueId, msgId: `${queueId}/${i}` })));
  return queue;
}

/** Handlers that finish when told to. */
class Gate {
  readonly started: string[] = [];
  private readonly open = new Map<string, () => void>();

  readonly work: Work = (batch) => {
    const id = batch.messages[0]!.msgId;
    this.started.push(id);
    return new Promise((resolve) => this.open.set(id, resolve));
  };

  async finish(...ids: string[]): Promise<void> {
    for (const id of ids) this.open.get(id)!();
    await new Promise((resolve) => setImmediate(resolve));
  }

  finishAll(): Promise<void> {
    return this.finish(...this.open.keys());
  }
}

describe('Consumption', () => {
  const consumptions: Consumption[] = [];
  afterEach(async () => {
    await Promise.all(consumptions.splice(0).map((consumption) => consumption.stop(0)));
  });

  function consumption(limit: number, overlapping: boolean, work: Work): Consumption {
    const made = new TestConsumption(limit, overlapping, work);
    consumptions.push(made);
    return made;
  }

  it('runs synchronous handlers of what is there within the call that submits it', () => {
    const seen: string[] = [];
    const queue = filled(0, 3);
    consumption(1, true, (batch) => {
      seen.push(batch.messages[0]!.msgId);
      return undefined;
    }).submit(queue);
    expect(seen).toEqual(['0/0', '0/1', '0/2']);
    expect(queue.scheduled).toBe(false);
  });

  it('never runs more handlers at once than its concurrency', async () => {
    const gate = new Gate();
    const two = consumption(2, true, gate.work);
    two.submit(filled(0, 5));
    expect(gate.started).toHaveLength(2);
    await gate.finish('0/0');
    expect(gate.started).toHaveLength(3);
    expect(two.runningHandlers).toBe(2);
  });

  it('raises and lowers concurrency while it runs', async () => {
    const gate = new Gate();
    const changing = consumption(1, true, gate.work);
    changing.submit(filled(0, 6));
    changing.setConcurrency(3);
    expect(gate.started).toHaveLength(3);
    changing.setConcurrency(1);
    await gate.finish('0/0', '0/1');
    expect(gate.started).toHaveLength(3);
    await gate.finish('0/2');
    expect(gate.started).toHaveLength(4);
  });

  it('lets queues take turns', () => {
    const gate = new Gate();
    const four = consumption(4, true, gate.work);
    four.pause();
    four.submit(filled(0, 10));
    four.submit(filled(1, 10));
    four.resume();
    expect(gate.started).toEqual(['0/0', '1/0', '0/1', '1/1']);
  });

  it('keeps one handler per queue in ordered consumption while other queues go on', async () => {
    const gate = new Gate();
    const ordered = consumption(10, false, gate.work);
    ordered.submit(filled(0, 3));
    ordered.submit(filled(1, 2));
    expect(gate.started).toEqual(['0/0', '1/0']);
    await gate.finish('1/0');
    expect(gate.started).toEqual(['0/0', '1/0', '1/1']);
    await gate.finish('0/0');
    expect(gate.started).toEqual(['0/0', '1/0', '1/1', '0/1']);
  });

  it('starts nothing while it is paused', async () => {
    const gate = new Gate();
    const paused = consumption(1, true, gate.work);
    paused.submit(filled(0, 3));
    paused.pause();
    await gate.finish('0/0');
    expect(gate.started).toEqual(['0/0']);
    paused.resume();
    expect(gate.started).toEqual(['0/0', '0/1']);
  });

  it('passes over queues that were dropped meanwhile', async () => {
    const gate = new Gate();
    const one = consumption(1, true, gate.work);
    const [first, second] = [filled(0, 1), filled(1, 1)];
    one.submit(first);
    one.submit(second);
    second.dropped = true;
    await gate.finish('0/0');
    expect(gate.started).toEqual(['0/0']);
    expect(second.scheduled).toBe(false);
  });

  it.each([
    ['synchronous handlers', (): undefined => undefined],
    ['handlers that resolve at once', async () => {}],
  ])('gives the event loop its turn during a long run of %s', async (_, result) => {
    let handled = 0;
    const busy = consumption(1, true, () => {
      handled++;
      const until = performance.now() + 0.1;
      while (performance.now() < until);
      return result();
    });
    busy.submit(filled(0, 1000));
    let turns = 0;
    while (handled < 1000) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).toBeGreaterThan(5);
  });

  it('waits for running handlers when it stops and starts no others', async () => {
    const gate = new Gate();
    const stopping = consumption(1, true, gate.work);
    stopping.submit(filled(0, 2));
    let unfinished: Batch[] | undefined;
    const stopped = stopping.stop(10_000).then((left) => {
      unfinished = left;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unfinished).toBeUndefined();
    await gate.finish('0/0');
    await stopped;
    expect(unfinished).toEqual([]);
    expect(gate.started).toEqual(['0/0']);
  });

  it('names what still runs when the time to stop is up', async () => {
    const gate = new Gate();
    const stopping = consumption(2, true, gate.work);
    stopping.submit(filled(0, 2));
    const left = await stopping.stop(1);
    expect(left.flatMap((batch) => batch.messages.map((message) => message.msgId))).toEqual(['0/0', '0/1']);
  });
});
