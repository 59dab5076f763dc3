import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseProperties, ResponseCode } from '@rocketnest/protocol';
import { silentLogger } from '@rocketnest/remoting';
import { readBrokerProperties, resolveBrokerOptions } from '../src/index.js';
import { LiveOptions } from '../src/live-options.js';

describe('live options', () => {
  let directory: string;
  let path: string;
  let live: LiveOptions;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'rocketnest-options-'));
    path = join(directory, 'broker.conf');
    const { options, foreign } = readBrokerProperties(
      'brokerName=a\nlongPollingEnable=false\nsendMessageThreadPoolNums=4',
    );
    live = new LiveOptions({
      options: resolveBrokerOptions({ ...options, brokerConfigPath: path }),
      foreign,
      clock: Date,
      logger: silentLogger,
    });
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  const shown = () => parseProperties(live.format());
  const onDisk = async () => parseProperties(await readFile(path, 'utf8'));

  it('change in place, on disk, with a new version, and tell listeners what is new', async () => {
    const { current } = live;
    const told: string[][] = [];
    live.onChange((changed) => told.push([...changed]));
    await live.update('longPollingEnable=TRUE\nshortPollingTimeMills=50\nbrokerPermission=6');
    expect(current).toMatchObject({ longPollingEnable: true, shortPollingTimeMills: 50 });
    expect(live.current).toBe(current);
    expect(told).toEqual([['longPollingEnable', 'shortPollingTimeMills']]);
    expect(live.dataVersion.counter).toBe(1);
    expect(await onDisk()).toEqual(shown());
    expect((await onDisk()).get('shortPollingTimeMills')).toBe('50');
  });

  it('keep what Apache knows and they do not obey', async () => {
    expect(Object.fromEntries(shown())).toMatchObject({ sendMessageThreadPoolNums: '4' });
    await live.update('pullMessageThreadPoolNums = 9 ');
    expect(Object.fromEntries(shown())).toMatchObject({
      sendMessageThreadPoolNums: '4',
      pullMessageThreadPoolNums: '9',
    });
    expect((await onDisk()).get('pullMessageThreadPoolNums')).toBe('9');
  });

  it('are read back from the file they wrote', async () => {
    await live.update('shortPollingTimeMills=77\npullMessageThreadPoolNums=9\nregionId=C:\\\\a\\nb=c');
    const { options, foreign } = readBrokerProperties(await readFile(path, 'utf8'));
    expect(options).toEqual(live.current);
    expect(foreign.get('pullMessageThreadPoolNums')).toBe('9');
    expect(options.regionId).toBe('C:\\a\nb=c');
  });

  it.each([
    ['brokerConfigPath=/tmp/x', ResponseCode.NO_PERMISSION, /black list.*brokerConfigPath/],
    ['rocketmqHome=/tmp/x', ResponseCode.NO_PERMISSION, /rocketmqHome/],
    ['configBlackList=', ResponseCode.NO_PERMISSION, /configBlackList/],
    ['listenPort=1', ResponseCode.INVALID_PARAMETER, /listenPort counts only at start.*restart/],
    ['longPolingEnable=true', ResponseCode.INVALID_PARAMETER, /longPolingEnable is not an option/],
    ['shortPollingTimeMills=soon', ResponseCode.INVALID_PARAMETER, /shortPollingTimeMills.*whole number.*soon/],
    ['shortPollingTimeMills=1\nbrokerPermission=99', ResponseCode.INVALID_PARAMETER, /brokerPermission.*0 to 7.*99/],
    ['nope=1\nbrokerPermission=99', ResponseCode.INVALID_PARAMETER, /nope.*brokerPermission/],
  ])('refuse %j and change nothing', async (source, responseCode, remark) => {
    const before = live.format();
    await expect(live.update(source)).rejects.toMatchObject({ responseCode, remark: expect.stringMatching(remark) });
    expect(live.format()).toBe(before);
    expect(live.dataVersion.counter).toBe(0);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  it('take a start-only value that is the one they have', async () => {
    await live.update('brokerName=a\nlistenPort=10911');
    expect(live.dataVersion.counter).toBe(1);
  });

  it('change for the time being when their file cannot be written, and say so', async () => {
    await writeFile(join(directory, 'file'), '');
    const errors: [string, unknown][] = [];
    live = new LiveOptions({
      options: resolveBrokerOptions({ brokerConfigPath: join(directory, 'file', 'broker.conf') }),
      clock: Date,
      logger: { ...silentLogger, error: (message, fields) => errors.push([message, fields]) },
    });
    await live.update('longPollingEnable=false');
    expect(live.current.longPollingEnable).toBe(false);
    expect(errors).toEqual([
      [expect.stringMatching(/until the next start/), expect.objectContaining({ keys: ['longPollingEnable'] })],
    ]);
  });
});
