import type { Credentials } from '@rocketnest/client';
import type { Properties } from './servers.js';

const AUTH = 'org.apache.rocketmq.auth';

/** The first user of a broker with `aclProperties`, who may do everything. */
export const root: Credentials = { accessKey: 'root', secretKey: 'root-secret' };

/** An Apache broker that asks every client who it is, and lets its first user do everything. */
export const aclProperties: Properties = {
  authenticationEnabled: true,
  authenticationProvider: `${AUTH}.authentication.provider.DefaultAuthenticationProvider`,
  authenticationMetadataProvider: `${AUTH}.authentication.provider.LocalAuthenticationMetadataProvider`,
  authorizationEnabled: true,
  authorizationProvider: `${AUTH}.authorization.provider.DefaultAuthorizationProvider`,
  authorizationMetadataProvider: `${AUTH}.authorization.provider.LocalAuthorizationMetadataProvider`,
  initAuthenticationUser: JSON.stringify({ username: root.accessKey, password: root.secretKey }),
  innerClientAuthenticationCredentials: JSON.stringify(root),
};
