"""Questions and answers that end in a command line.

    questions  what can be asked, as data
    screen     asks it on a terminal (questionary) and shows what was answered
    draft      the answers so far, and the command line that does the same
    known      what this machine knows already: a key, Workers, a rendered project
    catalog    the components that can be chosen
    steps      one question after the other, each with a way back
    summary    what the last confirm shows
    session    the whole conversation: the first time, and the menu of later times

Nothing is written before the last confirm. A wizard knows of the commands what anybody knows: their command line.
"""
