import { ResponseCode, ResponseError } from '@rocketnest/protocol';

/** One attribute of a topic or group: what values it takes and whether it may change after creation (`Attribute`). */
export interface AttributeRule {
  readonly changeable: boolean;
  /** Says what the value must be when it is not acceptable. */
  readonly check: (value: string) => string | undefined;
}

export type AttributeRules = Readonly<Record<string, AttributeRule>>;

const oneOf = (...values: string[]): AttributeRule['check'] => {
  return (value) => (values.includes(value) ? undefined : `one of ${values.join(', ')}`);
};
const wholeFrom = (min: number, max: number): AttributeRule['check'] => {
  return (value) => (/^-?\d+$/.test(value) && +value >= min && +value <= max ? undefined : `from ${min} to ${max}`);
};
const anything: AttributeRule['check'] = () => undefined;

const LONG_MAX = Number.MAX_SAFE_INTEGER;

/** Java: `TopicAttributes`. */
export const topicAttributes: AttributeRules = {
  'queue.type': { changeable: false, check: oneOf('BatchCQ', 'SimpleCQ') },
  'cleanup.policy': { changeable: false, check: oneOf('DELETE', 'COMPACTION') },
  'message.type': {
    changeable: true,
    check: oneOf('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED', 'LITE', 'PRIORITY'),
  },
  'reserve.time': { changeable: true, check: wholeFrom(-1, LONG_MAX) },
  'lite.topic.expiration': { changeable: true, check: wholeFrom(-1, 30 * 24 * 60) },
};

/** Java: `SubscriptionGroupAttributes`. */
export const groupAttributes: AttributeRules = {
  'priority.factor': { changeable: true, check: wholeFrom(0, 100) },
  'lite.bind.topic': { changeable: true, check: anything },
  'lite.sub.model': { changeable: true, check: oneOf('Shared', 'Exclusive') },
  'lite.sub.reset.offset.exclusive': { changeable: true, check: oneOf('true', 'false') },
  'lite.sub.reset.offset.unsubscribe': { changeable: true, check: oneOf('true', 'false') },
  'lite.sub.client.quota': { changeable: true, check: wholeFrom(-1, LONG_MAX) },
  'lite.sub.client.max.event.cnt': { changeable: true, check: wholeFrom(10, LONG_MAX) },
  'lite.sub.wildcard': { changeable: true, check: anything },
};

/**
 * Applies attribute changes: `+name` adds or updates, `-name` removes; only `+name` when the owner is new
 * (`AttributeUtil.alterCurrentAttributes`).
 * @throws ResponseError (SYSTEM_ERROR, as Java) naming the attribute
 */
export function alterAttributes(
  rules: AttributeRules,
  current: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string>>,
): Record<string, string> {
  const result: Record<string, string> = { ...current };
  for (const [key, value] of Object.entries(changes)) {
    const name = key.slice(1);
    const add = key.startsWith('+');
    if (!add && !key.startsWith('-')) throw refused(`wrong format key: ${key}, expected +name or -name`);
    if (!add && current === undefined)
      throw refused(`only add attribute is supported while creating topic. key: ${name}`);
    if (!add && !Object.hasOwn(result, name)) throw refused(`attempt to delete a nonexistent key: ${name}`);
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (rule === undefined) throw refused(`unsupported key: ${name}`);
    if (!rule.changeable && current !== undefined) {
      throw refused(`attempt to update an unchangeable attribute. key: ${name}`);
    }
    const expected = add ? rule.check(value) : undefined;
    if (expected !== undefined) throw refused(`value of attribute ${name} is ${value}: it must be ${expected}`);
    if (add) result[name] = value;
    else delete result[name];
  }
  return result;
}

function refused(remark: string): ResponseError {
  return new ResponseError(remark, { responseCode: ResponseCode.SYSTEM_ERROR, remark });
}
