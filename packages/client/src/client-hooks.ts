import type { RpcHook } from '@rocketnest/remoting';
import { signing } from './credentials.js';
import type { ClientOptions } from './options.js';

/**
 * What happens to every request of a client: the namespace as a header field, then the user's hooks, then the signature, which covers
 * all of that. Java: the hooks of MQClientAPIImpl.
 */
export function clientHooks({
  namespaceV2,
  rpcHooks = [],
  credentials,
}: Pick<ClientOptions, 'namespaceV2' | 'rpcHooks' | 'credentials'>): RpcHook[] {
  const hooks = [...rpcHooks];
  if (namespaceV2 !== undefined) hooks.unshift(namingNamespace(namespaceV2));
  if (credentials !== undefined) hooks.push(signing(credentials));
  return hooks;
}

/** Java: NamespaceRpcHook. */
function namingNamespace(namespaceV2: string): RpcHook {
  return {
    beforeRequest(_, { extFields }) {
      extFields['nsd'] = 'true';
      extFields['ns'] = namespaceV2;
    },
  };
}
