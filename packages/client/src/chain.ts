/** What a member of a {@link Chain} has for it. */
export interface Link<T> {
  previousLink?: T | undefined;
  nextLink?: T | undefined;
}

/**
 * A set of objects that come and go by the hundred thousand, in the order they came. Each is in one chain at most.
 *
 * Not a Set: one that is added to and deleted from all the time moves its entries to a new table every so often, and each table leads
 * to the next. As soon as one table is old to the garbage collector, so seems everything that was ever in the tables after it, until the
 * next full collection: most of what a client under load had the collector copy.
 */
export class Chain<T extends Link<T>> {
  private first: T | undefined;
  private last: T | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** @param member in no chain */
  add(member: T): void {
    member.previousLink = this.last;
    if (this.last === undefined) this.first = member;
    else this.last.nextLink = member;
    this.last = member;
    this.count++;
  }

  /** False when it is in no chain. */
  delete(member: T): boolean {
    const { previousLink, nextLink } = member;
    if (previousLink === undefined && this.first !== member) return false;
    if (previousLink === undefined) this.first = nextLink;
    else previousLink.nextLink = nextLink;
    if (nextLink === undefined) this.last = previousLink;
    else nextLink.previousLink = previousLink;
    // What has left must not keep its former neighbours alive.
    member.previousLink = undefined;
    member.nextLink = undefined;
    this.count--;
    return true;
  }

  /** The members of now; what becomes of them meanwhile does not matter. */
  toArray(): T[] {
    const members: T[] = [];
    for (let member: T | undefined = this.first; member !== undefined; member = member.nextLink) members.push(member);
    return members;
  }
}
