export * from './codes.js';
export * from './command.js';
export * from './errors.js';
export * from './field.js';
export * from './language.js';
export * from './requests/index.js';
export * from './version.js';
