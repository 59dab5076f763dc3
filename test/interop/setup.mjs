import { jest } from '@jest/globals';

// Apache's JVMs on a busy machine miss a deadline now and then. The first failure is printed all the same.
jest.retryTimes(1, { logErrorsBeforeRetry: true });
