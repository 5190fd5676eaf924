# Doxygen's input filter for pages: what they say of paths holds in the tree, but the site is flat and
# has neither sources nor directories.
s~\]\(\.\./\.\./docs/figures/~](figures/~
s~\[([^]]+)\]\([^)]*/include/(minidocker/[^)]+\.hpp)\)~\\ref \2 "\1"~g
s~\[([^]]+)\]\((docs|LICENSE|[^)#]*\.cpp|[^)#]*/src/[^)#]*)\)~\1~g
# A long page begins with what is in it.
1s~^# Chapter .*~&\n\n[TOC]\n~
