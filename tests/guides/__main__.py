from tests.guides.sections import write_sections

write_sections()
