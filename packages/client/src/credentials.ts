import { createHmac } from 'node:crypto';
import { type RemotingCommand, ResponseCode, type ResponseError } from '@rocketnest/protocol';
import type { RpcHook } from '@rocketnest/remoting';

/** Who this client is to brokers that check it (ACL). Java: SessionCredentials. */
export interface Credentials {
  /** The user's name. */
  readonly accessKey: string;
  /** The user's password; it never travels, signatures made with it do. */
  readonly secretKey: string;
  /** For temporary credentials of clouds. */
  readonly securityToken?: string | undefined;
}

/** Names of the header fields, which are part of what is signed, except the signature. Java: SessionCredentials. */
const ACCESS_KEY = 'AccessKey';
const SECURITY_TOKEN = 'SecurityToken';
const SIGNATURE = 'Signature';

/** Whether a value is {@link Credentials} with something in it. */
export function isCredentials(value: unknown): value is Credentials {
  if (typeof value !== 'object' || value === null) return false;
  const { accessKey, secretKey, securityToken } = value as Record<string, unknown>;
  const isText = (part: unknown): boolean => typeof part === 'string' && part !== '';
  return isText(accessKey) && isText(secretKey) && (securityToken === undefined || isText(securityToken));
}

/**
 * Signs every request. A function is asked for every one, so that credentials that expire can be replaced; it must be quick.
 * Responses, and answers to calls from brokers, are not signed. Java: AclClientRPCHook.
 */
export function signing(credentials: Credentials | (() => Credentials)): RpcHook {
  return {
    beforeRequest(_, request) {
      const { accessKey, secretKey, securityToken } = typeof credentials === 'function' ? credentials() : credentials;
      const { extFields } = request;
      extFields[ACCESS_KEY] = accessKey;
      if (securityToken !== undefined) extFields[SECURITY_TOKEN] = securityToken;
      extFields[SIGNATURE] = signatureOf(request, secretKey);
    },
  };
}

/**
 * HMAC-SHA1 in base64 over the values of all header fields, ordered by the fields' names, and the body.
 * Java: AclUtils.combineRequestContent, AclSigner.calSignature.
 */
export function signatureOf(
  { extFields, body }: Pick<RemotingCommand, 'extFields' | 'body'>,
  secretKey: string,
): string {
  const hmac = createHmac('sha1', secretKey);
  // Code unit order, as Java's TreeMap has it.
  for (const name of Object.keys(extFields).sort()) {
    if (name !== SIGNATURE) hmac.update(extFields[name]!);
  }
  for (const part of Array.isArray(body) ? body : [body ?? '']) hmac.update(part);
  return hmac.digest('base64');
}

/** What brokers say of a client they do not know, with the next step for it. Java: DefaultAuthenticationHandler, ChainAuthorizationHandler. */
const REFUSALS: readonly (readonly [said: RegExp, next: string])[] = [
  [
    /username cannot be null|No accessKey|accessKey is null/i,
    'The broker asks who you are: set the option "credentials" ({ accessKey, secretKey }).',
  ],
  [
    /check signature failed/i,
    'The secretKey of the option "credentials" is not the one of this accessKey on the broker.',
  ],
  [
    /User:.* is not found|No acl config for/i,
    'The broker does not know the accessKey of the option "credentials": create the user there, or correct the name.',
  ],
  [/is disabled/i, 'Enable the user on the broker.'],
  [
    /has no permission to access|no matched (policies|decision)|No default permission|Need admin permission/i,
    'The user may not do this: grant it on the broker ("mqadmin updateAcl", or admin.auth).',
  ],
];

/** Whether a broker did not let this client in. Brokers before 5.3 say so in words only. */
export function isRefusal({ responseCode, remark }: ResponseError): boolean {
  return responseCode === ResponseCode.NO_PERMISSION || accessHint({ code: responseCode, remark }) !== '';
}

/** The next step after a refusal, as " …"; empty when the answer is not about who the client is. */
export function accessHint({ code, remark }: Pick<RemotingCommand, 'code' | 'remark'>): string {
  if (code !== ResponseCode.NO_PERMISSION && code !== ResponseCode.SYSTEM_ERROR) return '';
  const found = REFUSALS.find(([said]) => said.test(remark ?? ''));
  return found === undefined ? '' : ` ${found[1]}`;
}
