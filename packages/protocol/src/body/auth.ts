/** Bodies of users and access control lists. */

import { bodyCodec, listOrEmpty, listParser, object, optional, type Parsed, str } from './shape.js';

const userFields = {
  username: optional(str),
  password: optional(str),
  /** `Super` or `Normal`. */
  userType: optional(str),
  /** `enable` or `disable`. */
  userStatus: optional(str),
};
/** AUTH_CREATE_USER and others. Java: `UserInfo`. */
export type UserInfo = Parsed<typeof userFields>;
export const { encode: encodeUserInfo, parse: parseUserInfo } = bodyCodec('UserInfo', userFields);
/** AUTH_LIST_USER. */
export const parseUserInfos = listParser('List<UserInfo>', userFields);

const aclFields = {
  /** `User:alice`. */
  subject: optional(str),
  policies: listOrEmpty(
    object({
      /** `Custom` or `Default`. */
      policyType: optional(str),
      entries: listOrEmpty(
        object({
          /** `Topic:orders`, `Group:*` … */
          resource: optional(str),
          actions: listOrEmpty(str),
          sourceIps: listOrEmpty(str),
          /** `Allow` or `Deny`. */
          decision: optional(str),
        }),
      ),
    }),
  ),
};
/** AUTH_CREATE_ACL and others. Java: `AclInfo`. */
export type AclInfo = Parsed<typeof aclFields>;
export const { encode: encodeAclInfo, parse: parseAclInfo } = bodyCodec('AclInfo', aclFields);
/** AUTH_LIST_ACL. */
export const parseAclInfos = listParser('List<AclInfo>', aclFields);
