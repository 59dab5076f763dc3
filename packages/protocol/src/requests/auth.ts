/** Users and access control lists. */

import { field } from '../field.js';
import { request } from './define.js';

const { string } = field;

export const authRequests = {
  authCreateUser: request('AUTH_CREATE_USER', { username: string().optional() }),
  authUpdateUser: request('AUTH_UPDATE_USER', { username: string().optional() }),
  authDeleteUser: request('AUTH_DELETE_USER', { username: string().optional() }),
  authGetUser: request('AUTH_GET_USER', { username: string().optional() }),
  authListUser: request('AUTH_LIST_USER', { filter: string().optional() }),
  authCreateAcl: request('AUTH_CREATE_ACL', { subject: string().optional() }),
  authUpdateAcl: request('AUTH_UPDATE_ACL', { subject: string().optional() }),
  authDeleteAcl: request('AUTH_DELETE_ACL', {
    subject: string().optional(),
    policyType: string().optional(),
    resource: string().optional(),
  }),
  authGetAcl: request('AUTH_GET_ACL', { subject: string().optional() }),
  authListAcl: request('AUTH_LIST_ACL', { subjectFilter: string().optional(), resourceFilter: string().optional() }),
} as const;
