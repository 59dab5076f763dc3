import { describe, expect, it } from '@jest/globals';
import { ForeignFields } from '../src/foreign-fields.js';

const known = { version: 1, table: { a: { n: 1 }, b: { n: 2 } } };
const read = {
  version: 1,
  later: { x: [1] },
  nothing: null,
  table: { a: { n: 1, m: { deep: true } }, b: { n: 2, m: 3 } },
};

describe('fields that are not known', () => {
  const fields = new ForeignFields();
  fields.remember(JSON.stringify(read), JSON.stringify(known));

  it('are written back where they were', () => {
    expect(JSON.parse(fields.addTo(JSON.stringify({ ...known, version: 2 })))).toEqual({
      version: 2,
      later: { x: [1] },
      table: read.table,
    });
  });

  it('go with their owner', () => {
    expect(JSON.parse(fields.addTo(JSON.stringify({ version: 2, table: { b: { n: 5 } } })))).toEqual({
      version: 2,
      later: { x: [1] },
      table: { b: { n: 5, m: 3 } },
    });
  });

  it('never replace what is written', () => {
    expect(JSON.parse(fields.addTo('{"later":7,"table":{}}'))).toEqual({ later: 7, table: {} });
  });

  it('leave a text alone when there are none', () => {
    const none = new ForeignFields();
    expect(none.addTo('{"a" : 1}')).toBe('{"a" : 1}');
    none.remember('{"a":{1:2},"b":null}', '{"a":{"1":2}}');
    expect(none.addTo('{"a" : 1}')).toBe('{"a" : 1}');
  });
});
