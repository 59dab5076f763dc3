package dev.rocketnest.suite.support;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The servers that a test class needs, by the name of a row in {@code test/support/suite-profiles.ts}. Classes without it run
 * on the servers of {@code default}.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface Profile {
    String value();
}
