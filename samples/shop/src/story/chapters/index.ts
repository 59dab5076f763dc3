import type { Chapter } from './chapter.js';
import { messageChapters } from './messages.js';
import { operationsChapters } from './operations.js';
import { reliabilityChapters } from './reliability.js';

export const chapters: readonly Chapter[] = [...messageChapters, ...reliabilityChapters, ...operationsChapters];
