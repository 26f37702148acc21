package dev.holdfast.agent;

import java.lang.reflect.Proxy;
import java.util.Map;

/** Something of an interface that answers what a test says, by the names of methods. What is not said must not be asked. */
public final class Answers {

    /** The answer to one method; nobody sees that to one without a result. */
    public interface Answer {
        Object give() throws Exception;
    }

    private Answers() {}

    /** @param answers by the name of the method */
    public static <T> T of(Class<T> type, Map<String, Answer> answers) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            Answer answer = answers.get(method.getName());
            if (answer == null) {
                throw new AssertionError(method + " was not asked for");
            }
            Object result = answer.give();
            return method.getReturnType() == void.class ? null : result;
        }));
    }
}
