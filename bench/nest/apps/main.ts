// node main.js handle|produce PEER TEXT_BYTES SETTINGS [EXPECTED]: one process of the benchmark. It takes commands as lines of JSON and
// answers each with one; it ends with its standard input.
import 'reflect-metadata';
import { createInterface } from 'node:readline';
import type { PeerApp, Settings } from './app.js';
import { now, textOf } from './app.js';
import { type Flow, Load, type Paced } from './load.js';
import { type Expected, Tally } from './tally.js';

/** `finish`: wait for so many events, or until none has come for `quietMs`. */
export type HandlerCommand =
  | { readonly do: 'expect'; readonly expected: Expected }
  | { readonly do: 'finish'; readonly count: number; readonly quietMs: number };
export type ProducerCommand =
  | { readonly do: 'flow'; readonly flow: Flow }
  | { readonly do: 'paced'; readonly paced: Paced };

const [role, peer, bytes, settingsText, expectedText] = process.argv.slice(2);
const settings = JSON.parse(settingsText!) as Settings;
const text = textOf(Number(bytes));
const app = (await import(`./${peer}.js`)) as PeerApp;

const answer = (value: object): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

/** Serves one command after the other until the input ends. */
async function serve<C>(run: (command: C) => Promise<object>): Promise<void> {
  answer({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) answer(await run(JSON.parse(line) as C));
}

const POLL_MS = 10;

async function finish(tally: Tally, count: number, quietMs: number): Promise<object> {
  let seen = tally.count;
  let changedAt = now();
  while (tally.count < count && now() - changedAt < quietMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (tally.count !== seen) [seen, changedAt] = [tally.count, now()];
  }
  return tally.result();
}

async function handlerProcess(): Promise<void> {
  const tally = new Tally(text);
  tally.expect(expectedText === undefined ? { from: 0, warmup: 0 } : (JSON.parse(expectedText) as Expected));
  const handler = await app.handle(settings, tally.add);
  await serve<HandlerCommand>(async (command) => {
    if (command.do === 'finish') return finish(tally, command.count, command.quietMs);
    tally.expect(command.expected);
    return {};
  });
  await handler.close();
}

async function producerProcess(): Promise<void> {
  const emitter = await app.produce(settings);
  await serve<ProducerCommand>((command) => {
    const load = new Load(emitter, text);
    return command.do === 'flow' ? load.flow(command.flow) : load.paced(command.paced);
  });
  await emitter.close();
}

await (role === 'handle' ? handlerProcess() : producerProcess());
process.exit();
