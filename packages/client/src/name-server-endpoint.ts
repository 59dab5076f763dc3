import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { ConnectionError } from '@rocketnest/protocol';
import type { Logger } from '@rocketnest/remoting';

/** Java: the delay of MQClientInstance's fetchNameServerAddr. */
const POLL_INTERVAL_MS = 120_000;
/** Java: DefaultTopAddressing.fetchNSAddr. */
const TIMEOUT_MS = 3_000;
/** A list of addresses is short; something longer is a page. */
const MAX_BYTES = 64 * 1024;

export interface EndpointOptions {
  readonly url: string;
  readonly unitName?: string | undefined;
  readonly logger: Logger;
  /** Default 120 000 ms. */
  readonly intervalMs?: number;
  /** Gets each answer, the first line of the page. What it throws makes the answer a failure. */
  readonly onAddresses: (namesrvAddr: string) => void;
}

/**
 * An HTTP page that lists the name servers. It is asked when the first request needs them and every two minutes from then on; while it
 * fails, the last list stays. Java: DefaultTopAddressing.
 */
export class NameServerEndpoint {
  readonly url: string;
  private asking: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly abort = new AbortController();

  constructor(private readonly options: EndpointOptions) {
    const { url, unitName } = options;
    this.url = unitName === undefined ? url : `${url}-${unitName}?nofix=1`;
  }

  /** Asks now, or joins who asks. Rejects with ConnectionError when the page has no list. */
  refresh(): Promise<void> {
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
    });
    return this.asking;
  }

  /** Asks from time to time. Failures are logged. */
  start(): void {
    const { intervalMs = POLL_INTERVAL_MS, logger } = this.options;
    const poll = (): void =>
      void this.refresh().catch((error: Error) => {
        if (!this.abort.signal.aborted) logger.warn('the name servers could not be looked up', { error });
      });
    this.timer ??= setInterval(poll, intervalMs);
    poll();
  }

  close(): void {
    clearInterval(this.timer);
    this.abort.abort();
  }

  private async ask(): Promise<void> {
    try {
      const [line = ''] = (await this.page()).trim().split(/[\r\n]/);
      if (line === '') throw new Error('it is empty');
      this.options.onAddresses(line);
    } catch (cause) {
      throw new ConnectionError(
        `The page ${this.url}, which should list name servers, cannot be used: ${(cause as Error).message || (cause as NodeJS.ErrnoException).code}. It should answer 200 with one line "host:port;host:port". Check the option nameServerEndpoint or the environment (rocketmq.namesrv.domain).`,
        { cause, context: { url: this.url } },
      );
    }
  }

  /** Without a pool of connections, so that nothing stays open. */
  private page(): Promise<string> {
    const { signal } = this.abort;
    const get = this.url.startsWith('https:') ? httpsGet : httpGet;
    return new Promise((resolve, reject) => {
      const request = get(this.url, { agent: false, signal, timeout: TIMEOUT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.length > MAX_BYTES) request.destroy(new Error(`it is longer than ${MAX_BYTES} bytes`));
        });
        response.on('error', reject).on('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`it answers with status ${response.statusCode}`));
        });
      });
      const deadline = setTimeout(() => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      request.on('error', reject).on('close', () => clearTimeout(deadline));
    });
  }
}
