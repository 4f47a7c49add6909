/* A network that has become C: `fnet export model.safetensors --to c model.c` wrote model.c, which needs neither
   fnet nor Lua. Reads the numbers of one sample from standard input and prints what the network gives, one number a
   line. README.md says how this is built. */
#include "model.c"

#include <stdio.h>

int main(void) {
    static float input[PREDICT_INPUTS], output[PREDICT_OUTPUTS];
    char more;
    int count = 0;
    while (count < PREDICT_INPUTS && scanf("%f", &input[count]) == 1) count++;
    if (count < PREDICT_INPUTS || scanf(" %c", &more) == 1) {
        fprintf(stderr, "exported: expected %d numbers on standard input, got %s\n", PREDICT_INPUTS,
                count < PREDICT_INPUTS ? "fewer" : "more");
        return 1;
    }
    predict(input, output);
    for (int i = 0; i < PREDICT_OUTPUTS; i++) printf("%.9g\n", (double)output[i]);
    return 0;
}
