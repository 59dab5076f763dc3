import { Requests } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { answer, bodyOf, ok, type ProcessorRow, row } from './row.js';

/** Reading and changing the options of the running broker (`AdminBrokerProcessor`). */
export function configProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { liveOptions } = context;
  return [
    row(Requests.getBrokerConfig, (_fields, request) => {
      // The port that was asked for may have been 0.
      const text = liveOptions.format({ listenPort: context.storeHost.port });
      const version = JSON.stringify(liveOptions.dataVersion);
      return answer(request, Requests.getBrokerConfig, { version }, Buffer.from(text));
    }),

    row(Requests.updateBrokerConfig, async (_fields, request, connection) => {
      const keys = await liveOptions.update(bodyOf(request).toString('utf8'));
      context.logger.info('options changed by an admin', { keys: [...keys], client: connection.remoteAddress });
      return ok(request);
    }),
  ];
}
