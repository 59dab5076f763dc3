import {
  encodeMessageRequestModes,
  isRetryTopic,
  type MessageRequestModes,
  parseMessageRequestModes,
  type SetMessageRequestModeRequest,
} from '@rocketnest/protocol';
import { ConfigFile } from '../config-file.js';
import type { BrokerOptions } from '../options.js';

/** How groups consume topics when the broker assigns the queues: `config/messageRequestMode.json` (`MessageRequestModeManager`). */
export class RequestModes {
  readonly file: ConfigFile;
  private modes: MessageRequestModes['messageRequestModeMap'] = {};

  constructor(
    private readonly options: BrokerOptions,
    path: string,
  ) {
    this.file = new ConfigFile(path, this);
  }

  /** What was set, else the default; retry topics of pulling groups are pulled in any case. */
  get(topic: string, group: string): SetMessageRequestModeRequest {
    const groups = Object.hasOwn(this.modes, topic) ? this.modes[topic] : undefined;
    const known = groups !== undefined && Object.hasOwn(groups, group) ? groups[group] : undefined;
    if (known !== undefined) return known;
    const { defaultMessageRequestMode, defaultPopShareQueueNum } = this.options;
    const isPop = defaultMessageRequestMode === 'POP' && !isRetryTopic(topic);
    return isPop
      ? { topic, consumerGroup: group, mode: 'POP', popShareQueueNum: defaultPopShareQueueNum }
      : { topic, consumerGroup: group, mode: 'PULL', popShareQueueNum: 0 };
  }

  set(mode: SetMessageRequestModeRequest): void {
    const { topic, consumerGroup } = mode;
    const groups = Object.hasOwn(this.modes, topic) ? this.modes[topic] : {};
    this.modes = { ...this.modes, [topic]: { ...groups, [consumerGroup]: mode } };
    this.file.touch();
  }

  encode(): string {
    return encodeMessageRequestModes({ messageRequestModeMap: this.modes }).toString('utf8');
  }

  decode(text: string): void {
    this.modes = parseMessageRequestModes(Buffer.from(text)).messageRequestModeMap;
  }
}
