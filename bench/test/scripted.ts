import type { Figures, Peer, Run, Scenario } from '../harness/scenario.js';

/** A scenario of figures that are made up, and who asked for them. */
export class Scripted {
  readonly asked: string[] = [];
  readonly runs: Run[] = [];
  readonly scenario: Scenario;

  constructor(figuresOf: (peer: string, asked: number) => Figures, missing: Readonly<Record<string, string>> = {}) {
    const peer = (name: string, title: string): Peer => ({
      name,
      title,
      settings: `settings of ${name}`,
      missing: () => missing[name] ?? null,
    });
    this.scenario = {
      name: 'made-up',
      title: 'Made up',
      load: 'Nothing is loaded',
      check: 'nothing is checked',
      peers: [peer('theirs', 'Theirs 1.0'), peer('ours', 'Ours 2.0')],
      figures: {
        rate: { label: 'rate', unit: 'messages a second', better: 'higher', digits: 0, goal: { ratio: 2 } },
        p99: { label: 'latency p99', unit: 'ms', better: 'lower', digits: 1, goal: { value: 5 } },
      },
      run: async ({ name }, run) => {
        this.asked.push(name);
        this.runs.push(run);
        return figuresOf(name, this.asked.length);
      },
    };
  }
}
