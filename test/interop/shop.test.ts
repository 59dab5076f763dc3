import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { parseBrokerProperties } from '@rocketnest/broker';
import { runStory } from '../../samples/shop/test/run-story.js';
import { Servers, targets } from '../support/servers.js';

it.each(targets)(
  'the shop tells its story on the servers of %s',
  async (target) => {
    const settings = await readFile(new URL('../../samples/shop/broker.conf', import.meta.url), 'utf8');
    const broker = parseBrokerProperties(settings) as Record<string, string | number | boolean>;
    await using servers = await Servers.start(target, { broker });
    const { exit, output } = await runStory({ ROCKETMQ_NAMESRV: servers.namesrvAddr });
    expect({ exit, output }).toEqual({ exit: 0, output: expect.stringContaining('Everything happened') });
  },
  900_000,
);
