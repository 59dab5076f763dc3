/**
 * Values read from one buffer that are made once as long as the same bytes come: neighbours in a pull response usually have their topic
 * and their hosts in common.
 */

import { type Host, IPV4_HOST_BYTES, IPV6_HOST_BYTES, readHost } from './host.js';

export class LatestHost {
  readonly #source: Buffer;
  #host: Host | null = null;
  #start = 0;
  #ipv6 = false;

  constructor(source: Buffer) {
    this.#source = source;
  }

  at(start: number, ipv6: boolean): Host {
    const bytes = ipv6 ? IPV6_HOST_BYTES : IPV4_HOST_BYTES;
    if (this.#host === null || ipv6 !== this.#ipv6 || !sameBytes(this.#source, start, this.#start, bytes)) {
      this.#host = Object.freeze(readHost(this.#source, start, ipv6));
      this.#start = start;
      this.#ipv6 = ipv6;
    }
    return this.#host;
  }
}

export class LatestText {
  readonly #source: Buffer;
  #text = '';
  #start = 0;
  #bytes = 0;

  constructor(source: Buffer) {
    this.#source = source;
  }

  at(start: number, bytes: number): string {
    if (bytes !== this.#bytes || !sameBytes(this.#source, start, this.#start, bytes)) {
      this.#text = this.#source.toString('utf8', start, start + bytes);
      this.#start = start;
      this.#bytes = bytes;
    }
    return this.#text;
  }
}

function sameBytes(source: Buffer, a: number, b: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (source[a + i] !== source[b + i]) return false;
  return true;
}
