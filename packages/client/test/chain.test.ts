import { describe, expect, it } from '@jest/globals';
import { Chain, type Link } from '../src/chain.js';

class Member implements Link<Member> {
  previousLink: Member | undefined;
  nextLink: Member | undefined;
  constructor(readonly name: string) {}
}

describe('Chain', () => {
  const chained = (names: string) => {
    const members = [...names].map((name) => new Member(name));
    const chain = new Chain<Member>();
    for (const member of members) chain.add(member);
    return { chain, members };
  };
  const names = (chain: Chain<Member>) =>
    chain
      .toArray()
      .map(({ name }) => name)
      .join('');

  it('keeps its members in the order they came', () => {
    const { chain } = chained('abc');
    expect(names(chain)).toBe('abc');
    expect(chain.size).toBe(3);
  });

  it.each([
    ['a', 'bc'],
    ['b', 'ac'],
    ['c', 'ab'],
    ['ab', 'c'],
    ['cb', 'a'],
    ['bac', ''],
  ])('lets %s leave', (leaving, left) => {
    const { chain, members } = chained('abc');
    for (const name of leaving) expect(chain.delete(members.find((member) => member.name === name)!)).toBe(true);
    expect(names(chain)).toBe(left);
    expect(chain.size).toBe(left.length);
    chain.add(new Member('d'));
    expect(names(chain)).toBe(`${left}d`);
  });

  it('says that one has left, and lets it come back', () => {
    const { chain, members } = chained('a');
    const [a] = members;
    expect(chain.delete(new Member('x'))).toBe(false);
    expect(chain.delete(a!)).toBe(true);
    expect(chain.delete(a!)).toBe(false);
    expect(chain.size).toBe(0);
    chain.add(a!);
    expect(names(chain)).toBe('a');
  });

  it('leaves nothing in one that has left that leads to the others', () => {
    const { chain, members } = chained('abc');
    chain.delete(members[1]!);
    expect(members[1]).toEqual(new Member('b'));
  });
});
