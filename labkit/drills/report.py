class Page:
    def __init__(s,lab,found): s.f=found
    def html(s): return "x"
