import { ConfigurationError, formatProperties } from '@rocketnest/protocol';

/** Keys and values as `key=value` lines. Java: MixAll.properties2String. */
export type Properties = Readonly<Record<string, string>>;

/** The body of a request that changes properties. @throws ConfigurationError when nothing would be changed or a text would break the lines */
export function encodeProperties(properties: Properties, whose: string): Buffer {
  const entries = Object.entries(properties);
  if (entries.length === 0) {
    throw new ConfigurationError(
      `No properties of ${whose} to change were given. Give at least one, as { key: value }.`,
    );
  }
  for (const [key, value] of entries) {
    if (typeof value !== 'string' || !/^[\w.%|-]+$/.test(key) || /[\r\n\\]/.test(value)) {
      throw new ConfigurationError(
        `Property ${JSON.stringify(key)} of ${whose} cannot be set to ${JSON.stringify(value)}: keys are letters, digits, ".", "%", "|" and "-", values are texts of one line without backslashes.`,
        { context: { key, value } },
      );
    }
  }
  return Buffer.from(formatProperties(entries));
}
