import base from '../../jest.config.mjs';

/** The interop lane: real servers and JVMs, so two files at a time and long deadlines. */
export default {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/interop'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
  maxWorkers: 2,
  testSequencer: '<rootDir>/test/interop/sequencer.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/interop/setup.mjs'],
};
