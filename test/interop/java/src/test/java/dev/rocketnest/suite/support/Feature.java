package dev.rocketnest.suite.support;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What a test shows, as a row of the compatibility page. Rows with the same area form a table; several tests may share a row. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface Feature {

    /** Heading of the table, such as {@code Delay}. */
    String area();

    /** The row, such as {@code recall of a scheduled message}. Dynamic tests without it are rows under their own names. */
    String name() default "";
}
