export { DelayLevels } from './delay-level.js';
export { type FileFacts, type Files, nodeFiles, type StoreFile } from './files.js';
export { MessageStore, type MessageStoreInput } from './message-store.js';
export { type OptionRow, parseStoreOptions, type StoreOptions, storeOptionTable } from './options.js';
export * from './types.js';
