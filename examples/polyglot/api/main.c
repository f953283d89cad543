// A counter behind HTTP: GET /count says how often somebody with the right token asked for POST /count.
#include "http.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 8000 };

static void read_token(char *token, size_t size)
{
    FILE *file = fopen("/run/secrets/api_token", "r");
    token[0] = 0;
    if (!file)
        return;
    if (fgets(token, (int)size, file))
        token[strcspn(token, "\r\n")] = 0;
    fclose(file);
}

static void end(int signal)
{
    (void)signal;
    _exit(0);
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "--healthy") == 0) {
        int connection = http_connect(PORT);
        return connection < 0;
    }
    // The first process of a container has no default for signals.
    signal(SIGTERM, end);
    signal(SIGINT, end);
    signal(SIGPIPE, SIG_IGN);
    char token[128], body[64];
    unsigned long counter = 0;
    read_token(token, sizeof token);
    int listener = http_listen(PORT);
    if (listener < 0) {
        perror("port 8000");
        return 1;
    }
    printf("counting on port %d\n", PORT);
    fflush(stdout);
    for (;;) {
        struct request request;
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            continue;
        if (http_read(connection, &request) == 0) {
            int is_count = strcmp(request.path, "/count") == 0;
            int is_post = strcmp(request.method, "POST") == 0;
            int may_count = token[0] && strcmp(request.token, token) == 0;
            if (is_count && is_post && may_count)
                counter++;
            snprintf(body, sizeof body, "{\"count\": %lu}\n", counter);
            if (!is_count)
                http_answer(connection, 404, "{}\n");
            else if (is_post && !may_count)
                http_answer(connection, 403, "{}\n");
            else
                http_answer(connection, 200, body);
        }
        close(connection);
    }
}
