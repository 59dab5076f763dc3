package dev.rocketnest.suite.support;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A client that is shut down waits until its event thread has nothing to do for 3 s. This wakes that thread, so that hundreds of
 * clients end at once.
 */
final class ClientShutdown {

    private static final String EVENT_THREAD = "NettyEventExecutor";
    private static final String WAITING_IN = "org.apache.rocketmq.common.ServiceThread";
    private static final AtomicBoolean STARTED = new AtomicBoolean();

    private ClientShutdown() {
    }

    /** From now on, for clients that are shut down by this thread. */
    static void hurry() {
        if (!STARTED.compareAndSet(false, true)) {
            return;
        }
        Thread tests = Thread.currentThread();
        Thread hurry = new Thread(() -> watch(tests), "ClientShutdown");
        hurry.setDaemon(true);
        hurry.start();
    }

    private static void watch(Thread tests) {
        try {
            while (tests.isAlive()) {
                Thread.sleep(20);
                if (tests.getState() == Thread.State.WAITING || tests.getState() == Thread.State.TIMED_WAITING) {
                    wakeIfShuttingDown(tests);
                }
            }
        } catch (InterruptedException end) {
            Thread.currentThread().interrupt();
        }
    }

    private static void wakeIfShuttingDown(Thread tests) {
        for (StackTraceElement frame : tests.getStackTrace()) {
            if (frame.getClassName().equals(WAITING_IN) && frame.getMethodName().equals("shutdown")) {
                Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals(EVENT_THREAD)).forEach(Thread::interrupt);
                return;
            }
        }
    }
}
