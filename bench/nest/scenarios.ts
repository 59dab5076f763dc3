import { type Figure, type Figures, type FigureTable, type Run, type Scenario, sized } from '../harness/scenario.js';
import type { NestPeer } from './peers.js';
import {
  apacheNodeClient,
  bullmq,
  golevelup,
  jetstream,
  kafkaTransport,
  natsTransport,
  ours,
  rabbitmqTransport,
  redisTransport,
} from './peers.js';
import { EVENT_BYTES, Stage } from './stage.js';

/** Unacknowledged events of a producer: enough that no peer waits for its disk with nothing to do. */
const WINDOW = 1_000;
/** Events a second of the latency measurement. */
const RATE = 1_000;
/** Events of a backlog; the first part warms the handler's process up. */
const BACKLOG = 200_000;
/** Where all handlers are ours, which handle more than a hundred thousand a second: several seconds of it. */
const COST_BACKLOG = 1_000_000;
const QUICK_BACKLOG = 5_000;
const WARMUP_SHARE = 0.25;

const perSecond = (label: string, goal?: Figure['goal']): Figure => ({
  label,
  unit: 'events/s',
  better: 'higher',
  digits: 0,
  ...(goal === undefined ? {} : { goal }),
});
const ms = (label: string): Figure => ({ label, unit: 'ms', better: 'lower', digits: 2 });
const cpu = (label: string): Figure => ({ label, unit: 's', better: 'lower', digits: 1 });
const memory = (label: string): Figure => ({ label, unit: 'MiB', better: 'lower', digits: 0 });

const eventFigures = (goal?: Figure['goal']): FigureTable => ({
  rate: perSecond('emitted, stored and handled', goal),
  p50: ms(`emit to handler at ${RATE}/s, p50`),
  p99: ms(`emit to handler at ${RATE}/s, p99`),
  ackP50: ms(`emit to acknowledgement at ${RATE}/s, p50`),
  producerCpu: cpu('producer CPU per million'),
  handlerCpu: cpu('handler CPU per million'),
  serverCpu: cpu('server CPU per million'),
  producerMemory: memory('producer RSS'),
  handlerMemory: memory('handler RSS'),
  serverMemory: memory('server RSS'),
  duplicates: { label: 'delivered twice', unit: 'events', better: 'lower', digits: 0 },
  lost: { label: 'lost', unit: 'events', better: 'lower', digits: 0 },
});

const backlogFigures = (goal: Figure['goal']): FigureTable => ({
  rate: perSecond('handled', goal),
  handlerCpu: cpu('handler CPU per million'),
  serverCpu: cpu('server CPU per million, start of the handler included'),
  handlerMemory: memory('handler RSS'),
  duplicates: { label: 'delivered twice', unit: 'events', better: 'lower', digits: 0 },
});

async function events(peer: NestPeer, run: Run): Promise<Figures> {
  await using stage = await Stage.open(peer, run);
  await stage.startHandler();
  await stage.startProducer();
  await stage.flow('warming up', { window: WINDOW, seconds: run.warmupSeconds });
  const flow = await stage.flow('emitting', { window: WINDOW, seconds: run.seconds });
  const serverMemory = stage.serverResidentMiB;
  const paced = await stage.paced(`emitting ${RATE} a second`, { rate: RATE, seconds: run.seconds });
  const millions = flow.emitted.count / 1e6;
  return {
    // Until the last one is handled: what waits in the server is not done yet.
    rate: (flow.handled.count * 1_000) / (flow.handled.lastAt - flow.emitted.startedAt),
    p50: paced.handled.p50Ms,
    p99: paced.handled.p99Ms,
    ackP50: paced.emitted.ackP50Ms,
    producerCpu: flow.emitted.cpuSeconds / millions,
    handlerCpu: flow.handled.measured.cpuSeconds / millions,
    serverCpu: flow.serverCpuSeconds / millions,
    producerMemory: flow.emitted.residentMiB,
    handlerMemory: flow.handled.residentMiB,
    serverMemory,
    duplicates: flow.handled.duplicates + paced.handled.duplicates,
    lost: flow.lost + paced.lost,
  };
}

async function drain(peer: NestPeer, run: Run, size: number): Promise<Figures> {
  const count = sized(run, size, QUICK_BACKLOG);
  await using stage = await Stage.open(peer, run);
  // The group, queue or stream is there, and nobody at it.
  await stage.startHandler();
  await stage.stopHandler();
  await stage.startProducer();
  const emitted = await stage.fill(count, WINDOW);
  const { handled, serverCpuSeconds } = await stage.drain(emitted, count * WARMUP_SHARE);
  const { measured } = handled;
  return {
    rate: (measured.count * 1_000) / measured.ms,
    handlerCpu: measured.cpuSeconds / (measured.count / 1e6),
    serverCpu: serverCpuSeconds / (count / 1e6),
    handlerMemory: handled.residentMiB,
    duplicates: handled.duplicates,
  };
}

const EMITTING = `a Nest application emits events of ${EVENT_BYTES} bytes of JSON, ${WINDOW} unacknowledged, and another one handles them; then ${RATE} a second. Emitter, handler and server are processes of their own.`;
const AT_LEAST_ONCE =
  'every emitted event was handled, unchanged (number and checksum of their ids); duplicates are counted';

/** A little more than the other's: the goal is to be ahead. */
const AHEAD = { ratio: 1.0001 } as const;
/** Nest's share of a handler must not take more. */
const NEST_COSTS = { ratio: 0.85 } as const;

/** A scenario of events that must arrive; the last of the peers is ours. */
const atLeastOnce = (name: string, title: string, peers: readonly NestPeer[]): Scenario<NestPeer> => ({
  name,
  title,
  load: EMITTING,
  check: AT_LEAST_ONCE,
  figures: eventFigures(AHEAD),
  peers,
  run: events,
});

/** A scenario of stored events that a handler finds when it starts. */
const backlog = (
  name: string,
  title: string,
  size: number,
  goal: Figure['goal'],
  peers: readonly NestPeer[],
): Scenario<NestPeer> => ({
  name,
  title,
  load: `${size.toLocaleString('en-US')} stored events of ${EVENT_BYTES} bytes of JSON, then a handler starts; measured from a quarter of them on`,
  check: AT_LEAST_ONCE,
  figures: backlogFigures(goal),
  peers,
  run: (peer, run) => drain(peer, run, size),
});

/** All transports that store events. */
const DURABLE: readonly NestPeer[] = [
  rabbitmqTransport,
  golevelup,
  kafkaTransport(),
  jetstream,
  bullmq(),
  apacheNodeClient,
  ours('transport'),
];

/** The benchmarks of @rocketnest/nestjs. */
export const nestScenarios: readonly Scenario<NestPeer>[] = [
  atLeastOnce('nest-events', 'Events of a Nest transport, at least once', DURABLE),
  atLeastOnce('nest-events-synced', 'Events of a Nest transport, on disk before they are acknowledged', [
    rabbitmqTransport,
    golevelup,
    kafkaTransport(true),
    bullmq('always'),
    ours('transport', 'SYNC_FLUSH'),
  ]),
  atLeastOnce('nest-listener-events', 'Events of listeners that are decorated, at least once', [
    golevelup,
    bullmq(),
    ours('listener'),
  ]),
  atLeastOnce(
    'nest-listener-events-synced',
    'Events of listeners that are decorated, on disk before they are acknowledged',
    [golevelup, bullmq('always'), ours('listener', 'SYNC_FLUSH')],
  ),
  {
    name: 'nest-pubsub',
    title: 'Events of a Nest application, beside transports that store nothing',
    load: EMITTING,
    check: 'RocketNest: every emitted event was handled. The others are at most once: what they lost is a figure',
    figures: eventFigures(),
    peers: [redisTransport, natsTransport, ours('transport')],
    run: events,
  },
  backlog('nest-backlog', 'A backlog of a Nest application', BACKLOG, AHEAD, DURABLE),
  backlog(
    'nest-cost-listener',
    'What Nest costs: @RocketMQMessageListener and the bare client',
    COST_BACKLOG,
    NEST_COSTS,
    [ours('client'), ours('listener')],
  ),
  backlog('nest-cost-transport', 'What Nest costs: @EventPattern and the bare client', COST_BACKLOG, NEST_COSTS, [
    ours('client'),
    ours('transport'),
  ]),
];
