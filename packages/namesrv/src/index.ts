export { NameServer, type NameServerOptions } from './name-server.js';
export { type NameServerConfig, namesrvOptionTable, parseNamesrvProperties } from './options.js';
