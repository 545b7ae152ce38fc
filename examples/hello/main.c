// The smallest native application: it starts and ends. Said is what root says about it.
int main(void) { return 0; }
